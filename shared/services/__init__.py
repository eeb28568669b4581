"""One use case a file: what api, worker and the command line do, without HTTP or Celery."""
