variable "region" {
  type        = string
  description = "AWS region."
}

variable "vpc_id" {
  type        = string
  description = "Network of the jobs and the database."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets in two zones or more, with a way to https (NAT or endpoints)."
}

variable "image" {
  type        = string
  description = "Earshot's image (target cpu), by digest, in a registry the account can read."
}

variable "database_class" {
  type        = string
  description = "Class of the database instance."
  default     = "db.t4g.medium"
}

variable "database_standby" {
  type        = bool
  description = "Whether a standby in another zone takes over."
  default     = true
}

variable "helpers" {
  type        = number
  description = "Workers beside the nightly run, each of 4 vCPU."
  default     = 2
  validation {
    condition     = var.helpers >= 1
    error_message = "At least one helper."
  }
}

variable "schedule" {
  type        = string
  description = "When the nightly run starts (EventBridge Scheduler)."
  default     = "cron(15 1 * * ? *)"
}

variable "timezone" {
  type        = string
  description = "IANA time zone of the schedule."
  default     = "Etc/UTC"
}
