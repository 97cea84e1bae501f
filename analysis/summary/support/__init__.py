"""Does a call support a statement about it: who did what, as it was said?"""
