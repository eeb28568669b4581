"""The floor: a bare Flask view that parses the JSON body and answers, on the API's own Granian settings."""
