"""The AWS side as code: seven stacks an environment, the same code for all of them.

`environments` says how dev, staging and prod differ, and nothing else does. `foundation` makes the
network, `data` what is kept, `doors` who comes in, `controller` the Prefect server, `workers` where
flows run, `scaling` the function that sizes the fleets, `release` what replaces one version by the
next. `stage` puts an environment together. `inspection` and `cost` read the templates that come
out: they know no CDK, and the tests use them.

The CDK lives in an environment of its own (`tools.txt`, made by ``make tools``): it is large, and
it pins what the flows want newer. jsii checks every argument against the CDK's types at synthesis.
"""
