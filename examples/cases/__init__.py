"""The example cases of `make judge`."""
