"""Requirements and a target in, an installed tree out; in a container or on the host."""
