"""The templates' resources created on an emulator of AWS, one by one, over HTTP.

`make emulate` starts a moto server on loopback, gives each environment an account of its own on
it, and creates what the synthesised templates say. What the emulator does not know is listed with
the reason, and never passes for created: moto's CloudFormation leaves out what it does not know
with a warning, and reports the stack complete.
"""
