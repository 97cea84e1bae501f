output "bucket" {
  description = "Where recordings are put."
  value       = google_storage_bucket.recordings.name
}

output "database" {
  description = "Private address of the database."
  value       = google_sql_database_instance.database.private_ip_address
}
