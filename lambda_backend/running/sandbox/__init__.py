"""Stands in for Lambda's sandbox, beside the function: on this machine, or in a container.

A folder that needs nothing but the standard library of the runtime's Python: it is copied to wherever the function
runs, and run there by the interpreter that the function gets. Server and function talk over the loopback interface, so
a container needs no network.

``python -m sandbox JOB.json`` does a job (see ``jobs``) and prints one JSON document; what the function logs goes to
standard error, line by line.

Sources: AWS documentation, "Using the Lambda runtime API for custom runtimes" (2018-06-01), "Understanding the Lambda
execution environment lifecycle", "Lambda quotas".
"""
