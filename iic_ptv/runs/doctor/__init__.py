"""``iic doctor``: what of this machine works, what does not, and how to mend it.

A check is a function that looks at one thing and tells it as findings. All run in another process, so that a library
that cannot be imported, hangs or brings its process down is a finding, too.
"""
