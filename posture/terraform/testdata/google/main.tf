resource "google_service_account" "fn" {
  account_id = "orders-fn"
}

resource "google_project_iam_member" "fn" {
  project = "p"
  role    = "roles/editor"
  member  = "serviceAccount:${google_service_account.fn.email}"
}

resource "google_storage_bucket" "in" {
  name                     = "in"
  public_access_prevention = "inherited"
}

resource "google_storage_bucket_iam_member" "in" {
  bucket = google_storage_bucket.in.name
  role   = "roles/storage.objectCreator"
  member = "allUsers"
}

resource "google_cloudfunctions2_function" "open" {
  name = "open"
  build_config {
    runtime     = "nodejs20"
    entry_point = "open"
  }
  service_config {
    available_memory      = "256M"
    timeout_seconds       = 60
    max_instance_count    = 3
    ingress_settings      = "ALLOW_ALL"
    service_account_email = google_service_account.fn.email
    environment_variables = {
      STAGE = "dev"
    }
    secret_environment_variables {
      key     = "DB_PASSWORD"
      secret  = "db"
      version = "latest"
    }
  }
}

resource "google_cloud_run_service_iam_member" "open" {
  service = google_cloudfunctions2_function.open.name
  role    = "roles/run.invoker"
  member  = "allUsers"
}

resource "google_cloudfunctions_function" "old" {
  name                  = "old"
  runtime               = "python37"
  entry_point           = "main"
  service_account_email = google_service_account.fn.email
  event_trigger {
    event_type = "google.storage.object.finalize"
    resource   = google_storage_bucket.in.name
  }
}

resource "google_cloud_run_v2_service" "svc" {
  name    = "svc"
  ingress = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  template {
    service_account = google_service_account.fn.email
    timeout         = "30s"
    scaling {
      max_instance_count = 2
    }
    containers {
      image = "gcr.io/p/svc:1"
      resources {
        limits = { memory = "512Mi" }
      }
      env {
        name = "TOKEN"
        value_source {
          secret_key_ref {
            secret = "token"
          }
        }
      }
    }
  }
}
