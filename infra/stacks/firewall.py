"""The firewall at people's door: known bad inputs, and a limit to how fast one address may ask."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.stacks.environments import Site

REQUESTS: Final = 6000
"""In five minutes from one address: Prefect's pages ask several times a second."""

MANAGED: Final = ("AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList")
"""Not the common rule set: it refuses bodies of more than 8 KB, which parameters are."""


def protect(scope: Construct, site: Site, balancer: elb.ApplicationLoadBalancer) -> waf.CfnWebACL:
    """Put the firewall in front of a load balancer."""

    def seen(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
        return waf.CfnWebACL.VisibilityConfigProperty(
            cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
        )

    rules = [
        waf.CfnWebACL.RuleProperty(
            name=name,
            priority=number,
            override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
            visibility_config=seen(name),
            statement=waf.CfnWebACL.StatementProperty(
                managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                    vendor_name="AWS", name=name
                )
            ),
        )
        for number, name in enumerate(MANAGED)
    ]
    rules.append(
        waf.CfnWebACL.RuleProperty(
            name="rate",
            priority=len(rules),
            action=waf.CfnWebACL.RuleActionProperty(block={}),
            visibility_config=seen("rate"),
            statement=waf.CfnWebACL.StatementProperty(
                rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                    aggregate_key_type="IP", limit=REQUESTS
                )
            ),
        )
    )
    firewall = waf.CfnWebACL(
        scope,
        "firewall",
        name=site.named("people"),
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=seen(site.named("people")),
        rules=rules,
    )
    waf.CfnWebACLAssociation(
        scope,
        "firewall-at-the-door",
        resource_arn=balancer.load_balancer_arn,
        web_acl_arn=firewall.attr_arn,
    )
    return firewall
