"""A job whose package is not there."""
import shipment_etl_plugin_of_acme

shipment_etl_plugin_of_acme.run()
