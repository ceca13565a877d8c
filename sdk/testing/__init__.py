"""What the tests of a flow stand on, shipped with the SDK.

`receivers` are HTTP stand-ins for Slack and Jira. Nothing is imported here: whoever needs a part
imports it, and a run in production carries none of it.
"""
