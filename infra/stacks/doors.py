"""The two doors of the controller, and the listeners by which a release swaps its server.

*People's door*: a load balancer that the world can reach, TLS, sign-in with Cognito and a second
factor, a firewall with a rate limit. *Machines' door*: a load balancer inside the network, TLS;
nginx asks for the token, so that no template holds it.

Behind both stands nginx, which passes on to the server through a listener of its own on the inner
balancer. That listener has two target groups, blue and green, and belongs to CodeDeploy after the
first deployment: the doors stay as they are while the server behind them changes. (A service that
CodeDeploy deploys may stand in one target group only, so that the doors cannot be its own.)
"""

from __future__ import annotations

from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_actions as actions
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from infra.stacks.data import Data
from infra.stacks.firewall import protect
from infra.stacks.foundation import MACHINES, PEOPLE, SERVER, Foundation

DRAIN: Final = cdk.Duration.seconds(60)
"""How long a target that goes finishes its answers."""


class Doors(cdk.Stack):
    """Load balancers, sign-in, listeners and names.

    Attributes:
        people: target group of nginx's pages.
        machines: target group of nginx's API.
        blue: target group of the server that runs.
        green: target group of the next one.
        listener: of the server; CodeDeploy moves it.
        test_listener: where a release looks at the next server before anybody else does.
        balancers: ``people`` and ``internal``.
        api: URL that machines use.
        server: URL that nginx passes on to.
    """

    def __init__(
        self, scope: Construct, base: Foundation, data: Data, env: cdk.Environment
    ) -> None:
        site = base.site
        super().__init__(scope, "doors", env=env, stack_name=site.named("doors"))
        self.site, self.base, self.data = site, base, data
        self.api = f"https://machines.{site.domain}/api"
        self.server = f"https://server.{site.domain}:{SERVER}"
        self.zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "zone", hosted_zone_id=site.hosted_zone, zone_name=site.domain
        )
        self.certificate = acm.Certificate(
            self,
            "certificate",
            domain_name=f"flows.{site.domain}",
            subject_alternative_names=[f"machines.{site.domain}", f"server.{site.domain}"],
            validation=acm.CertificateValidation.from_dns(self.zone),
        )
        self.balancers = {
            "people": self._balancer("people", ec2.SubnetType.PUBLIC),
            "internal": self._balancer("internal", ec2.SubnetType.PRIVATE_WITH_EGRESS),
        }
        self.people = self._targets("people", PEOPLE, "/health")
        self.machines = self._targets("machines", MACHINES, "/health")
        self.blue = self._targets("blue", SERVER, "/api/health")
        self.green = self._targets("green", SERVER, "/api/health")
        protect(self, site, self.balancers["people"])
        self._listen("people", "people", 443, self._behind_sign_in(self.people))
        self._listen("internal", "machines", 443, elb.ListenerAction.forward([self.machines]))
        self.listener = self._listen(
            "internal", "server", SERVER, elb.ListenerAction.forward([self.blue])
        )
        self.test_listener = self._listen(
            "internal", "test", SERVER + 1, elb.ListenerAction.forward([self.green])
        )
        self._names()

    def _balancer(self, name: str, subnets: ec2.SubnetType) -> elb.ApplicationLoadBalancer:
        balancer = elb.ApplicationLoadBalancer(
            self,
            f"balancer-{name}",
            load_balancer_name=self.site.named(name),
            vpc=self.base.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=subnets),
            internet_facing=subnets == ec2.SubnetType.PUBLIC,
            security_group=self.base.groups[name],
            deletion_protection=self.site.keep,
            drop_invalid_header_fields=True,
            idle_timeout=cdk.Duration.seconds(120),
        )
        balancer.log_access_logs(self.data.buckets["access"], f"balancer/{name}")
        return balancer

    def _targets(self, name: str, port: int, health: str) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            f"targets-{name}",
            target_group_name=self.site.named(name),
            vpc=self.base.vpc,
            port=port,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            deregistration_delay=DRAIN,
            health_check=elb.HealthCheck(
                path=health,
                interval=cdk.Duration.seconds(10),
                timeout=cdk.Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )

    def _behind_sign_in(self, group: elb.ApplicationTargetGroup) -> elb.ListenerAction:
        pool = cognito.UserPool(
            self,
            "people",
            user_pool_name=self.site.named("people"),
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            password_policy=cognito.PasswordPolicy(
                min_length=14,
                require_digits=True,
                require_lowercase=True,
                require_symbols=True,
                require_uppercase=True,
            ),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            feature_plan=cognito.FeaturePlan.PLUS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            deletion_protection=self.site.keep,
        )
        domain = pool.add_domain(
            "domain",
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{self.site.named('flows')}-{self.site.account}"
            ),
        )
        client = pool.add_client(
            "balancer",
            generate_secret=True,
            prevent_user_existence_errors=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL],
                callback_urls=[f"https://flows.{self.site.domain}/oauth2/idpresponse"],
                logout_urls=[f"https://flows.{self.site.domain}/"],
            ),
        )
        return actions.AuthenticateCognitoAction(
            user_pool=pool,
            user_pool_client=client,
            user_pool_domain=domain,
            session_timeout=cdk.Duration.hours(10),
            next=elb.ListenerAction.forward([group]),
            # The foundation's rules allow it already.
            allow_https_outbound=False,
        )

    def _listen(
        self, balancer: str, name: str, port: int, action: elb.ListenerAction
    ) -> elb.ApplicationListener:
        return self.balancers[balancer].add_listener(
            name,
            port=port,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[self.certificate],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=action,
            # Who may come in stands in the foundation; by default CDK would let everybody.
            open=False,
        )

    def _names(self) -> None:
        doors: dict[str, Any] = {"flows": "people", "machines": "internal", "server": "internal"}
        for name, balancer in doors.items():
            route53.ARecord(
                self,
                f"name-{name}",
                zone=self.zone,
                record_name=name,
                target=route53.RecordTarget.from_alias(
                    targets.LoadBalancerTarget(self.balancers[balancer])
                ),
            )
        people = f"https://flows.{self.site.domain}"
        cdk.CfnOutput(self, "People", value=people, description="People's door")
        cdk.CfnOutput(self, "PrefectApi", value=self.api, description="Machines' door")
