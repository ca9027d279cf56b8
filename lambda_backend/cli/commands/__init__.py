"""One module a command, with the command by the name ``command``."""
