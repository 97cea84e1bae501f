# A bucket, a database and Cloud Run jobs: one nightly job that plans and works, and one with helpers beside it.
# Written for Terraform 1.6 or newer. Not applied by us: see docs/operations.md.
terraform {
  required_version = ">= 1.6"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

# --- recordings -------------------------------------------------------------------------------------------------------

resource "google_storage_bucket" "recordings" {
  name                        = "${var.project}-earshot-recordings"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
}

resource "google_service_account" "earshot" {
  account_id   = "earshot"
  display_name = "Earshot's jobs"
}

resource "google_storage_bucket_iam_member" "read_recordings" {
  bucket = google_storage_bucket.recordings.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.earshot.member
}

# Earshot reads the bucket through Cloud Storage's S3 interface, which takes HMAC keys.
resource "google_storage_hmac_key" "earshot" {
  service_account_email = google_service_account.earshot.email
}

# --- database ---------------------------------------------------------------------------------------------------------

resource "google_sql_database_instance" "database" {
  name                = "earshot"
  database_version    = "POSTGRES_16"
  deletion_protection = true
  settings {
    tier              = var.database_tier
    availability_type = var.database_standby ? "REGIONAL" : "ZONAL"
    disk_autoresize   = true
    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }
  }
}

resource "google_sql_database" "earshot" {
  name     = "earshot"
  instance = google_sql_database_instance.database.name
}

resource "google_sql_user" "earshot" {
  name     = "earshot"
  instance = google_sql_database_instance.database.name
  password = var.database_password
}

locals {
  secrets = {
    PGPASSWORD            = var.database_password
    AWS_ACCESS_KEY_ID     = google_storage_hmac_key.earshot.access_id
    AWS_SECRET_ACCESS_KEY = google_storage_hmac_key.earshot.secret
  }
  settings = [
    "--set", "database.url=postgresql://earshot@${google_sql_database_instance.database.private_ip_address}:5432/earshot?sslmode=require",
    "--set", "output.directory=/tmp/output",
    "--set", "run.spool_dir=/tmp/spool",
    "--set", "input.path=s3://${google_storage_bucket.recordings.name}/",
    "--set", "input.s3.endpoint_url=https://storage.googleapis.com",
  ]
  jobs = {
    nightly = { command = [], tasks = 1 }
    helper  = { command = ["work", "--first-within", "60"], tasks = var.helpers }
  }
}

resource "google_secret_manager_secret" "earshot" {
  for_each  = toset(["PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
  secret_id = "earshot-${lower(replace(each.key, "_", "-"))}"
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "earshot" {
  for_each    = google_secret_manager_secret.earshot
  secret      = each.value.id
  secret_data = local.secrets[each.key]
}

resource "google_secret_manager_secret_iam_member" "earshot" {
  for_each  = google_secret_manager_secret.earshot
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.earshot.member
}

# --- jobs -------------------------------------------------------------------------------------------------------------

resource "google_cloud_run_v2_job" "earshot" {
  for_each = local.jobs
  name     = "earshot-${each.key}"
  location = var.region
  template {
    task_count  = each.value.tasks
    parallelism = each.value.tasks
    template {
      service_account = google_service_account.earshot.email
      timeout         = "28800s"
      max_retries     = 1
      containers {
        image = var.image
        args  = concat(each.value.command, local.settings)
        resources {
          limits = {
            cpu    = "4"
            memory = "16Gi"
          }
        }
        dynamic "env" {
          for_each = google_secret_manager_secret.earshot
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = env.value.secret_id
                version = "latest"
              }
            }
          }
        }
      }
      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = var.network
          subnetwork = var.subnetwork
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_version.earshot]
}

resource "google_service_account" "schedule" {
  account_id   = "earshot-schedule"
  display_name = "Starts Earshot's jobs"
}

resource "google_cloud_run_v2_job_iam_member" "schedule" {
  for_each = google_cloud_run_v2_job.earshot
  name     = each.value.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.schedule.member
}

resource "google_cloud_scheduler_job" "earshot" {
  for_each  = google_cloud_run_v2_job.earshot
  name      = each.value.name
  region    = var.region
  schedule  = var.schedule
  time_zone = var.timezone
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${each.value.name}:run"
    oauth_token {
      service_account_email = google_service_account.schedule.email
    }
  }
}
