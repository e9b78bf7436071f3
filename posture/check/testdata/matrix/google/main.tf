variable "token" {
  type      = string
  sensitive = true
}
variable "code_bucket" {
  type = string
}
resource "google_service_account" "orders" {
  account_id = "orders"
}
resource "google_service_account" "worker" {
  account_id = "worker"
}
resource "google_service_account" "caller" {
  account_id = "caller"
}
resource "google_project_iam_member" "orders" {
  project = "shop"
  role    = "roles/datastore.viewer"
  member  = "serviceAccount:${google_service_account.orders.email}"
}
resource "google_storage_bucket" "code" {
  name                     = "shop-code"
  public_access_prevention = "enforced"
}
resource "google_storage_bucket_iam_member" "code" {
  bucket = google_storage_bucket.code.name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}
resource "google_pubsub_topic" "notes" {
  name = "notes"
}
resource "google_pubsub_topic_iam_member" "notes" {
  topic  = google_pubsub_topic.notes.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${google_service_account.caller.email}"
}
resource "google_cloudfunctions_function" "orders" {
  name                  = "orders"
  runtime               = "nodejs24"
  entry_point           = "handler"
  trigger_http          = true
  max_instances         = 10
  ingress_settings      = "ALLOW_INTERNAL_AND_GCLB"
  service_account_email = google_service_account.orders.email
  source_archive_bucket = var.code_bucket
  source_archive_object = "orders.zip"
  environment_variables = {
    LEVEL = "info"
    TOKEN = var.token
  }
}
resource "google_cloudfunctions_function_iam_member" "caller" {
  cloud_function = google_cloudfunctions_function.orders.name
  role           = "roles/cloudfunctions.invoker"
  member         = google_service_account.caller.member
}
resource "google_cloudfunctions_function" "worker" {
  name                  = "worker"
  runtime               = "python314"
  entry_point           = "handler"
  max_instances         = 5
  ingress_settings      = "ALLOW_INTERNAL_ONLY"
  service_account_email = google_service_account.worker.email
  event_trigger {
    event_type = "google.pubsub.topic.publish"
    resource   = google_pubsub_topic.notes.id
  }
}
resource "google_billing_budget" "spend" {
  billing_account = "000000-000000-000000"
}
resource "google_monitoring_alert_policy" "failing" {
  display_name = "failing"
  combiner     = "OR"
}
