"""What is kept: database, buckets, file system, tables, Athena's side, secrets, images.

Every bucket is closed to the public, encrypted with the environment's key, versioned, reached over
TLS alone, and logged; what may grow for ever has a rule that ends it. EFS moves logs to a cheaper
class after 7 days and deletes nothing: their archive is a job of the platform.
"""

from __future__ import annotations

from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_efs as efs
from aws_cdk import aws_events as events
from aws_cdk import aws_glue as glue
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.stacks.acknowledged import accept
from infra.stacks.foundation import Foundation, kept

RUNNER: Final = "10001"
"""User id of the images; files on EFS belong to it."""

WEBHOOK: Final = "watch-webhook"
"""The watch's own way to people: it must not need what flows need."""

SECRETS: Final = {
    "machine-token": "What machines show at their door",
    "slack": "Slack's token, put in by hand",
    "jira": "Jira's token, put in by hand",
    WEBHOOK: "Slack's incoming webhook, for the watch, put in by hand",
}
"""Each begins as a random value; the ones of others' services are replaced by hand."""

TABLES: Final = {"autoscaler": "fleet", "releases": "release", "notices": "key"}
"""Partition keys, all strings: what the autoscaler remembers, what is released, open notices."""


class Data(cdk.Stack):
    """Everything of an environment that outlives its machines.

    Attributes:
        buckets: ``landing``, ``lake``, ``artifacts``, ``queries`` and ``access`` (logs).
        database: the Prefect server's PostgreSQL.
        password: its secret, with username and password.
        files: the shared file system.
        mount: its access point for flow and application logs.
        tables: DynamoDB tables by name, see `TABLES`.
        secrets: by name, see `SECRETS`.
        images: repository of the images.
        workgroup: Athena's.
        catalogue: Glue's database.
    """

    def __init__(self, scope: Construct, base: Foundation, env: cdk.Environment) -> None:
        site = base.site
        super().__init__(
            scope,
            "data",
            env=env,
            stack_name=site.named("data"),
            termination_protection=site.keep,
        )
        self.site, self.base = site, base
        self.buckets = self._buckets()
        self.password, self.database = self._database()
        self.files, self.mount = self._files()
        self.tables = {name: self._table(name, key) for name, key in TABLES.items()}
        self.secrets = {name: self._secret(name, text) for name, text in SECRETS.items()}
        self.images = self._images()
        self.workgroup, self.catalogue = self._athena()
        self._backups()
        token = self.secrets["machine-token"].secret_arn
        cdk.CfnOutput(self, "EcsApiKeySecret", value=token, description="For infra.images")
        lake = f"s3://{self._bucket_name('lake')}"
        cdk.CfnOutput(self, "DataweaveStorage", value=lake, description="For work_pools")

    def _buckets(self) -> dict[str, s3.Bucket]:
        days = cdk.Duration.days
        access = s3.Bucket(
            self,
            "access",
            bucket_name=self._bucket_name("access"),
            # Load balancers and S3 itself write here, and neither can use a key of ours.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=kept(self.site),
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=days(self.site.log_days), noncurrent_version_expiration=days(7)
                )
            ],
        )
        accept(access, "It is where access logs go; its own would follow each other.", "S1")
        rules = {
            # A customer's files are read within days; a year is for questions about them.
            "landing": s3.LifecycleRule(
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=days(30),
                    )
                ],
                expiration=days(400),
                noncurrent_version_expiration=days(30),
            ),
            "lake": s3.LifecycleRule(
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.INTELLIGENT_TIERING,
                        transition_after=days(30),
                    )
                ],
                noncurrent_version_expiration=days(30),
            ),
            "artifacts": s3.LifecycleRule(noncurrent_version_expiration=days(90)),
            "queries": s3.LifecycleRule(expiration=days(7), noncurrent_version_expiration=days(1)),
        }
        made = {
            name: s3.Bucket(
                self,
                name,
                bucket_name=self._bucket_name(name),
                encryption=s3.BucketEncryption.KMS,
                encryption_key=self.base.key,
                bucket_key_enabled=True,
                block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
                object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
                enforce_ssl=True,
                versioned=True,
                server_access_logs_bucket=access,
                server_access_logs_prefix=f"s3/{name}/",
                removal_policy=kept(self.site),
                lifecycle_rules=[
                    rule,
                    s3.LifecycleRule(abort_incomplete_multipart_upload_after=days(3)),
                ],
            )
            for name, rule in rules.items()
        }
        # Files that arrive start flows. The CDK's own switch brings a function to do this one line.
        landing: Any = made["landing"].node.default_child
        landing.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        return {"access": access} | made

    def _bucket_name(self, name: str) -> str:
        # Bucket names are one space for the whole world.
        return f"{self.site.named(name)}-{self.site.account}"

    def _database(self) -> tuple[rds.DatabaseSecret, rds.DatabaseInstance]:
        password = rds.DatabaseSecret(
            self,
            "database-password",
            username="prefect",
            secret_name=f"dataweave/{self.site.name}/database",
            encryption_key=self.base.key,
            # It becomes part of a URL.
            exclude_characters=" %+~`#$&*()|[]{}:;<>?!'/@\"\\",
        )
        accept(
            password,
            "The server holds connections with it: it is changed by a release, which starts the "
            "new server with the new password before the old one goes.",
            "SMG4",
        )
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_9)
        parameters = rds.ParameterGroup(
            self,
            "database-parameters",
            engine=engine,
            description=f"Prefect server of {self.site.name}",
            parameters={
                "rds.force_ssl": "1",
                "log_statement": "ddl",
                "log_min_duration_statement": "1000",
                # Runs and logs are deleted in small batches all day; the default vacuums too late.
                "autovacuum_vacuum_scale_factor": "0.05",
            },
        )
        database = rds.DatabaseInstance(
            self,
            "database",
            instance_identifier=self.site.named("prefect"),
            engine=engine,
            instance_type=ec2.InstanceType(self.site.database.removeprefix("db.")),
            vpc=self.base.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[self.base.groups["database"]],
            credentials=rds.Credentials.from_secret(password),
            database_name="prefect",
            parameter_group=parameters,
            allocated_storage=self.site.database_gib,
            max_allocated_storage=4 * self.site.database_gib,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            storage_encryption_key=self.base.key,
            multi_az=self.site.standby,
            backup_retention=cdk.Duration.days(self.site.backup_days),
            preferred_backup_window="01:00-01:30",
            preferred_maintenance_window="sun:02:00-sun:03:00",
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=True,
            auto_minor_version_upgrade=True,
            iam_authentication=True,
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            enable_performance_insights=True,
            performance_insight_encryption_key=self.base.key,
            monitoring_interval=cdk.Duration.seconds(60),
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            removal_policy=(
                cdk.RemovalPolicy.SNAPSHOT if self.site.keep else cdk.RemovalPolicy.DESTROY
            ),
        )
        accept(
            database,
            "The port is no secret: the group admits the controller alone, in subnets that lead "
            "nowhere, and another port would have to be told to every tool.",
            "RDS11",
        )
        accept(
            database,
            "The monitoring role's managed policy is the one that RDS documents for it; it may "
            "write its own log group and nothing else.",
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AmazonRDSEnhancedMonitoringRole]",
        )
        if not self.site.standby:
            accept(database, "A second zone is for production: others may wait an hour.", "RDS3")
        return password, database

    def _files(self) -> tuple[efs.FileSystem, efs.AccessPoint]:
        files = efs.FileSystem(
            self,
            "files",
            file_system_name=self.site.named("files"),
            vpc=self.base.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_group=self.base.groups["files"],
            encrypted=True,
            kms_key=self.base.key,
            enable_automatic_backups=True,
            lifecycle_policy=efs.LifecyclePolicy.AFTER_7_DAYS,
            out_of_infrequent_access_policy=efs.OutOfInfrequentAccessPolicy.AFTER_1_ACCESS,
            throughput_mode=efs.ThroughputMode.ELASTIC,
            removal_policy=kept(self.site),
            # Mounting takes TLS and an identity; root on a client is nobody here.
            allow_anonymous_access=False,
        )
        mount = files.add_access_point(
            "logs",
            path="/logs",
            create_acl=efs.Acl(owner_uid=RUNNER, owner_gid=RUNNER, permissions="750"),
            posix_user=efs.PosixUser(uid=RUNNER, gid=RUNNER),
        )
        return files, mount

    def _table(self, name: str, key: str) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            f"table-{name}",
            table_name=self.site.named(name),
            partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.base.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=self.site.keep,
            removal_policy=kept(self.site),
        )

    def _secret(self, name: str, description: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            f"secret-{name}",
            secret_name=f"dataweave/{self.site.name}/{name}",
            description=description,
            encryption_key=self.base.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=48, exclude_punctuation=True
            ),
            removal_policy=kept(self.site),
        )
        accept(
            secret,
            "Both sides of it must change at once: machines get a new token by a release, and "
            "other companies' tokens are changed where they are issued.",
            "SMG4",
        )
        return secret

    def _images(self) -> ecr.Repository:
        return ecr.Repository(
            self,
            "images",
            repository_name=self.site.named("flows"),
            image_scan_on_push=True,
            # A tag that can move is no version; releases name digests.
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=self.base.key,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=50)],
            removal_policy=kept(self.site),
        )

    def _athena(self) -> tuple[athena.CfnWorkGroup, glue.CfnDatabase]:
        name = self.site.named("queries")
        workgroup = athena.CfnWorkGroup(
            self,
            "workgroup",
            name=name,
            description=f"Queries of {self.site.name}",
            recursive_delete_option=not self.site.keep,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                # A query that would read more than a tebibyte is a mistake.
                bytes_scanned_cutoff_per_query=1 << 40,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.buckets['queries'].bucket_name}/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=self.base.key.key_arn
                    ),
                ),
            ),
        )
        catalogue = glue.CfnDatabase(
            self,
            "catalogue",
            catalog_id=self.site.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=f"dataweave_{self.site.name}",
                description=f"Datasets of {self.site.name}",
                location_uri=f"s3://{self.buckets['lake'].bucket_name}/",
            ),
        )
        return workgroup, catalogue

    def _backups(self) -> None:
        plan = backup.BackupPlan(
            self,
            "backups",
            backup_plan_name=self.site.named("daily"),
            backup_vault=backup.BackupVault(
                self,
                "vault",
                backup_vault_name=self.site.named("vault"),
                encryption_key=self.base.key,
                removal_policy=kept(self.site),
            ),
        )
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="daily",
                schedule_expression=events.Schedule.cron(hour="3", minute="0"),
                delete_after=cdk.Duration.days(self.site.backup_days),
            )
        )
        selection = plan.add_selection(
            "kept",
            backup_selection_name=self.site.named("kept"),
            resources=[
                backup.BackupResource.from_rds_database_instance(self.database),
                backup.BackupResource.from_efs_file_system(self.files),
                *(backup.BackupResource.from_dynamo_db_table(t) for t in self.tables.values()),
            ],
        )
        accept(
            selection,
            "AWS Backup's own policy for making backups; it cannot restore or read data.",
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSBackupServiceRolePolicyForBackup]",
        )
