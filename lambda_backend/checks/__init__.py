"""Whether Lambda can run an artefact: one rule a module, each from a ``Subject`` to problems."""
