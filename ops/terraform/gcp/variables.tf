variable "project" {
  type        = string
  description = "Google Cloud project."
}

variable "region" {
  type        = string
  description = "Region of everything."
}

variable "network" {
  type        = string
  description = "Network (self link) with private services access for Cloud SQL."
}

variable "subnetwork" {
  type        = string
  description = "Subnetwork of the jobs, with a way to https (Cloud NAT or Private Google Access)."
}

variable "image" {
  type        = string
  description = "Earshot's image (target cpu), by digest, in a registry the project can read."
}

variable "database_password" {
  type        = string
  description = "Password of the database's user."
  sensitive   = true
}

variable "database_tier" {
  type        = string
  description = "Machine type of the database."
  default     = "db-custom-2-7680"
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
}

variable "schedule" {
  type        = string
  description = "When the nightly run starts (cron)."
  default     = "15 1 * * *"
}

variable "timezone" {
  type        = string
  description = "IANA time zone of the schedule."
  default     = "Etc/UTC"
}
