output "bucket" {
  description = "Where recordings are put."
  value       = aws_s3_bucket.earshot["recordings"].bucket
}

output "results" {
  description = "Where results, reports and transcripts are put."
  value       = aws_s3_bucket.earshot["results"].bucket
}

output "database" {
  description = "Address of the database; its password is in Secrets Manager."
  value       = aws_db_instance.database.endpoint
}

output "queue" {
  description = "Queue of the jobs."
  value       = aws_batch_job_queue.earshot.name
}
