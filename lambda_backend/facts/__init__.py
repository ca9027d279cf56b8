"""What the files of an artefact are, told by their bytes: the checks judge by it, and the cache keeps it."""
