"""The project's wheel, made by its backend or taken from the build before.

A backend takes longer to start than anything else does when little has changed. Of a project that setuptools builds by
declarations alone, all that the wheel depends on can be seen while it is made. So the wheel is kept with what was read
for it, and used again while that is as it was.
"""
