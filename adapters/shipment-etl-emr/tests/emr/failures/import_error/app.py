"""A job whose package is missing."""
import shipment_etl_plugin_of_acme

shipment_etl_plugin_of_acme.run()
