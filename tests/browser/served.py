"""The application as gunicorn serves it to the tests' browser, with its static files straight from their folders."""

from django.contrib.staticfiles.handlers import StaticFilesHandler

from oms.wsgi import application as _application

application = StaticFilesHandler(_application)
