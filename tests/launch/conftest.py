"""Lets the tests of the folders in here import what lies beside this file."""
