"""Fitted models as numbers: read and asked with NumPy alone, without the library that fitted them.

What scikit-learn and skops need to be imported and to build one is several times what a short run needs to be analysed.
"""
