"""``python -m lambda_backend`` is the ``lambda-backend`` command."""

from lambda_backend.cli import main

if __name__ == "__main__":
    main()
