# A bucket, a database and AWS Batch: one nightly job that plans and works, and helpers beside it (an array job).
# Written for Terraform 1.6 or newer. Not applied by us: see docs/operations.md.
terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.60"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { application = "earshot" }
  }
}

# --- recordings, and what a run makes of them --------------------------------------------------------------------------

resource "aws_s3_bucket" "earshot" {
  for_each      = toset(["recordings", "results"])
  bucket_prefix = "earshot-${each.key}-"
}

resource "aws_s3_bucket_public_access_block" "earshot" {
  for_each                = aws_s3_bucket.earshot
  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "earshot" {
  for_each = aws_s3_bucket.earshot
  bucket   = each.value.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "earshot" {
  for_each = aws_s3_bucket.earshot
  bucket   = each.value.id
  rule {
    id     = "parts-of-uploads-that-were-given-up"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

# --- database ---------------------------------------------------------------------------------------------------------

resource "aws_db_subnet_group" "database" {
  name_prefix = "earshot-"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "jobs" {
  name_prefix = "earshot-jobs-"
  description = "Earshot's jobs: nothing comes in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "jobs_https" {
  security_group_id = aws_security_group.jobs.id
  description       = "Bucket, secrets, image, remote models"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "jobs_database" {
  security_group_id            = aws_security_group.jobs.id
  description                  = "The database"
  referenced_security_group_id = aws_security_group.database.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_security_group" "database" {
  name_prefix = "earshot-database-"
  description = "Earshot's database: its jobs alone come in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "Earshot's jobs"
  referenced_security_group_id = aws_security_group.jobs.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_db_instance" "database" {
  identifier_prefix               = "earshot-"
  engine                          = "postgres"
  engine_version                  = "16"
  instance_class                  = var.database_class
  allocated_storage               = 50
  max_allocated_storage           = 500
  storage_encrypted               = true
  db_name                         = "earshot"
  username                        = "earshot"
  manage_master_user_password     = true
  db_subnet_group_name            = aws_db_subnet_group.database.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  multi_az                        = var.database_standby
  backup_retention_period         = 14
  copy_tags_to_snapshot           = true
  deletion_protection             = true
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
  final_snapshot_identifier       = "earshot-final"
}

# --- jobs -------------------------------------------------------------------------------------------------------------

data "aws_iam_policy_document" "may_be_taken_by" {
  for_each = toset(["ecs-tasks", "scheduler"])
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "start" {
  name_prefix        = "earshot-start-"
  assume_role_policy = data.aws_iam_policy_document.may_be_taken_by["ecs-tasks"].json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_iam_policy_document" "read_password" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_db_instance.database.master_user_secret[0].secret_arn]
  }
}

resource "aws_iam_role_policy" "read_password" {
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.read_password.json
}

resource "aws_iam_role" "job" {
  name_prefix        = "earshot-job-"
  assume_role_policy = data.aws_iam_policy_document.may_be_taken_by["ecs-tasks"].json
}

# Recordings are read; results are written, and erased where calls are erased.
data "aws_iam_policy_document" "buckets" {
  statement {
    actions   = ["s3:ListBucket"]
    resources = [for bucket in aws_s3_bucket.earshot : bucket.arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = [for bucket in aws_s3_bucket.earshot : "${bucket.arn}/*"]
  }
  statement {
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.earshot["results"].arn}/*"]
  }
}

resource "aws_iam_role_policy" "buckets" {
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.buckets.json
}

resource "aws_batch_compute_environment" "earshot" {
  compute_environment_name_prefix = "earshot-"
  type                            = "MANAGED"
  compute_resources {
    type               = "FARGATE"
    max_vcpus          = var.helpers * 4 + 4
    subnets            = var.subnet_ids
    security_group_ids = [aws_security_group.jobs.id]
  }
}

resource "aws_batch_job_queue" "earshot" {
  name     = "earshot"
  state    = "ENABLED"
  priority = 1
  compute_environment_order {
    order               = 1
    compute_environment = aws_batch_compute_environment.earshot.arn
  }
}

resource "aws_cloudwatch_log_group" "jobs" {
  name              = "/earshot/jobs"
  retention_in_days = 90
}

locals {
  settings = [
    "--set", "database.url=postgresql://earshot@${aws_db_instance.database.endpoint}/earshot?sslmode=require",
    "--set", "output.directory=/tmp/output",
    "--set", "run.spool_dir=/tmp/spool",
    "--set", "input.path=s3://${aws_s3_bucket.earshot["recordings"].bucket}/",
    "--set", "output.upload_to=s3://${aws_s3_bucket.earshot["results"].bucket}/earshot",
  ]
  commands = {
    nightly = []
    helper  = ["work", "--first-within", "60"]
  }
}

resource "aws_batch_job_definition" "earshot" {
  for_each              = local.commands
  name                  = "earshot-${each.key}"
  type                  = "container"
  platform_capabilities = ["FARGATE"]
  timeout {
    attempt_duration_seconds = 8 * 3600
  }
  retry_strategy {
    attempts = 3
    # 1: some calls failed; 2: the configuration is wrong; 4: another run is at work; 5: look.
    dynamic "evaluate_on_exit" {
      for_each = ["1", "2", "4", "5"]
      content {
        action       = "EXIT"
        on_exit_code = evaluate_on_exit.value
      }
    }
    evaluate_on_exit {
      action    = "RETRY"
      on_reason = "*"
    }
  }
  container_properties = jsonencode({
    image            = var.image
    command          = concat(each.value, local.settings)
    jobRoleArn       = aws_iam_role.job.arn
    executionRoleArn = aws_iam_role.start.arn
    resourceRequirements = [
      { type = "VCPU", value = "4" },
      { type = "MEMORY", value = "16384" },
    ]
    ephemeralStorage = { sizeInGiB = 100 }
    secrets = [{
      name      = "PGPASSWORD"
      valueFrom = "${aws_db_instance.database.master_user_secret[0].secret_arn}:password::"
    }]
    logConfiguration = {
      logDriver = "awslogs"
      options   = { "awslogs-group" = aws_cloudwatch_log_group.jobs.name, "awslogs-stream-prefix" = each.key }
    }
  })
}

resource "aws_iam_role" "schedule" {
  name_prefix        = "earshot-schedule-"
  assume_role_policy = data.aws_iam_policy_document.may_be_taken_by["scheduler"].json
}

data "aws_iam_policy_document" "submit" {
  statement {
    actions = ["batch:SubmitJob"]
    resources = concat(
      [aws_batch_job_queue.earshot.arn],
      [for definition in aws_batch_job_definition.earshot : "${definition.arn_prefix}:*"],
    )
  }
}

resource "aws_iam_role_policy" "submit" {
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.submit.json
}

resource "aws_scheduler_schedule" "earshot" {
  for_each                     = local.commands
  name                         = "earshot-${each.key}"
  schedule_expression          = var.schedule
  schedule_expression_timezone = var.timezone
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
    role_arn = aws_iam_role.schedule.arn
    input = jsonencode(merge(
      {
        JobName       = "earshot-${each.key}"
        JobQueue      = aws_batch_job_queue.earshot.arn
        JobDefinition = aws_batch_job_definition.earshot[each.key].arn
      },
      each.key == "helper" && var.helpers > 1 ? { ArrayProperties = { Size = var.helpers } } : {},
    ))
  }
}
