"""Lock files of every format, read into one form: pins for a target."""
