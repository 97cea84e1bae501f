"""Metrics of the talk itself, from when each side speaks: who spoke how long, over whom, how fast.

`speech` says when a side speaks, `backchannels` what is said only to show that one listens, `turns` who has the floor,
`measures` the figures of a call, `step` the analysis step.
"""
