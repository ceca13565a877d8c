#!/usr/bin/env bash
# What a worker's machine does when it boots, as user data: the names in braces are the stack's.
# A machine that fails before the launch hook's completion is given up by Auto Scaling and replaced,
# and never takes a run.
set -euo pipefail
export AWS_DEFAULT_REGION='${region}'

metadata() {
  local token
  token=$$(curl -fsS -X PUT http://169.254.169.254/latest/api/token \
    -H 'X-aws-ec2-metadata-token-ttl-seconds: 300')
  curl -fsS -H "X-aws-ec2-metadata-token: $$token" "http://169.254.169.254/latest/meta-data/$$1"
}
instance=$$(metadata instance-id)

# The autoscaler finds a run's machine by its host name.
hostnamectl set-hostname "$$instance"
dnf install -y -q amazon-efs-utils python3.11
useradd --system --uid 10001 --create-home dataweave || true

# Flow and application logs of all machines, where nginx serves them from.
mkdir -p '${logs}'
grep -q '${files}' /etc/fstab || echo '${files}:/ ${logs} efs _netdev,noresvport,tls,iam,accesspoint=${access_point} 0 0' >>/etc/fstab
mountpoint -q '${logs}' || mount '${logs}'

# The release: a hash, and the archive of that hash with the environment in /opt/dataweave.
release=$$(aws ssm get-parameter --name '${release_parameter}' --query Parameter.Value --output text)
aws s3 cp --quiet "s3://${artifacts}/releases/$$release.tar.gz" /tmp/release.tar.gz
echo "$$release  /tmp/release.tar.gz" | sha256sum --check --quiet
rm -rf /opt/dataweave && mkdir /opt/dataweave
tar -xzf /tmp/release.tar.gz -C /opt/dataweave && rm /tmp/release.tar.gz

install -d -m 750 -g dataweave /etc/dataweave
token=$$(aws secretsmanager get-secret-value --secret-id '${token_secret}' --query SecretString --output text)
install -m 640 -g dataweave /dev/null /etc/dataweave/worker.env
cat >/etc/dataweave/worker.env <<END
GROUP=${group}
HOOK=${termination_hook}
LAUNCH_HOOK=${launch_hook}
POOL=${pool}
QUEUES=${queues}
SLOTS=${slots}
DRAIN_LIMIT=${drain_limit}
PREFECT_API_URL=${api}
PREFECT_API_KEY=$$token
PREFECT_EXPERIMENTAL_EVENTS=true
DATAWEAVE_ENVIRONMENT=${environment}
DATAWEAVE_COLOUR=${colour}
DATAWEAVE_STORAGE=${storage}
DATAWEAVE_LOGS=${logs}
AWS_DEFAULT_REGION=${region}
END
unset token

install -m 644 /opt/dataweave/infra/worker/dataweave-{worker,census}.service /etc/systemd/system/
systemctl daemon-reload

# In a warm pool the machine is stopped now and started again later, by when the unit is enabled. A
# machine that goes into service says so itself, each time: its agent completes the launch hook.
systemctl enable dataweave-worker dataweave-census
if [ "$$(metadata autoscaling/target-lifecycle-state)" = InService ]; then
  systemctl start dataweave-census dataweave-worker
else
  aws autoscaling complete-lifecycle-action --auto-scaling-group-name '${group}' \
    --lifecycle-hook-name '${launch_hook}' --instance-id "$$instance" \
    --lifecycle-action-result CONTINUE
fi
