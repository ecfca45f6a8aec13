"""What every printed paper is made with: PDF from HTML that may load nothing, barcodes, text that paper can hold.

Functions from plain values to bytes and text: no database, no clock, no network. The papers themselves belong to the apps.
"""
