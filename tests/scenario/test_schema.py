"""docs/schema/: each schema is a schema, each example fits its own, and what should not fit does not."""
import copy
import glob
import json
import os
import sys
import unittest

import harness

try:
    import jsonschema
except ImportError:
    sys.exit(harness.SKIP)  # Debian's python3-jsonschema

SCHEMAS = os.path.join(harness.SOURCE, "docs", "schema")


def load(path):
    with open(path) as f:
        return json.load(f)


class Schemas(unittest.TestCase):
    def each(self):
        paths = sorted(glob.glob(os.path.join(SCHEMAS, "*.json")))
        self.assertGreaterEqual(len(paths), 10)
        for path in paths:
            yield os.path.basename(path), load(path), load(os.path.join(SCHEMAS, "examples", os.path.basename(path)))

    def test_each_is_a_schema_and_its_examples_fit(self):
        for name, schema, examples in self.each():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
                self.assertTrue(examples)
                for example in examples:
                    jsonschema.Draft202012Validator(schema).validate(example)

    def test_an_example_without_a_needed_member_or_with_a_strange_one_does_not_fit(self):
        for name, schema, examples in self.each():
            check = jsonschema.Draft202012Validator(schema)
            for member in schema["required"]:
                less = copy.copy(examples[0])
                del less[member]
                with self.subTest(name, without=member):
                    self.assertFalse(check.is_valid(less))
            with self.subTest(name):
                self.assertFalse(check.is_valid({**examples[0], "nobody_knows_this": 1}))


if __name__ == "__main__":
    harness.main()
