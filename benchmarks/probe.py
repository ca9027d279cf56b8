"""Runs the hook build_wheel under cProfile: ``probe.py WHEEL_DIRECTORY STATS``.

It stands alone, for the interpreter that has lambda-backend runs it.
"""

import cProfile
import importlib
import os
import sys

_, wheel_directory, stats = sys.argv  # before setuptools puts its own words there
profile = cProfile.Profile()
profile.enable()
importlib.import_module(os.environ["_PYPROJECT_HOOKS_BUILD_BACKEND"]).build_wheel(wheel_directory)
profile.disable()
profile.dump_stats(stats)
