"""Choosing a model inside each training set, and scoring it on land held out."""
