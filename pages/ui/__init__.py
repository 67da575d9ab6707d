"""The only Streamlit code that pages share: state and address, cached calls, widgets, feedback."""
