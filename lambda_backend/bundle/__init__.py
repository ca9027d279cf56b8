"""The layout of an artefact: what lies where in it."""
