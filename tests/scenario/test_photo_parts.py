"""A finding with its photo over MQTT: in parts, in any order, over restarts, by the person whom the topic names."""
import base64
import hashlib
import json
import os
import random

import harness
import people
from harness import wait_for

PART = 8192
PHOTO = b"\xff\xd8\xff\xe0" + random.Random(harness.SEED).randbytes(40 * PART if harness.STORM else 4 * PART + 1234)
CONFIG = people.CONFIG.replace("issues:", "issues:\n  photo_size: 1 MB", 1)


class PhotoInParts(people.PeopleTest):
    def parts(self, photo=PHOTO):
        """What each part's command says of it."""
        of = (len(photo) + PART - 1) // PART
        return [{"photo": hashlib.sha256(photo).hexdigest(), "part": n + 1, "of": of,
                 "data": base64.b64encode(photo[n * PART:(n + 1) * PART]).decode()} for n in range(of)]

    def finding(self, user="zhao", place="大门外 50 米"):
        return self.does(user, "issue.open", category="road", place=place, text="道路积尘", way="unannounced")["id"]

    def sends(self, user, issue, part, **more):
        return self.does(user, "issue.photo", issue=issue, **part, **more)

    def state(self, *path):
        return os.path.join(self.s.dir, "state", *path)

    def kept(self):
        folder = self.state("photos")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def steps(self, verb):
        return [json.loads(row["body"]) for row in self.s.export_live("issue") if json.loads(row["body"])["step"] == verb]

    def test_a_finding_gets_its_photo_over_mqtt_in_any_order_over_kill_9_and_a_restart(self):
        s = self.start(config=CONFIG, continuous=True)
        name, parts = self.finding(), self.parts()
        random.shuffle(parts)
        cuts = {1: harness.signal.SIGKILL, 3: harness.signal.SIGTERM}  # after so many parts
        for n, part in enumerate(parts[:-1]):
            shown = self.sends("zhao", name, part, name="IMG 1.jpg")
            self.assertEqual((shown["have"], shown["of"]), (n + 1, len(parts)))
            if n in cuts:
                s.dustd.stop(cuts[n])
                s.start_dustd()
                self.becomes("closed")
        self.assertEqual(self.sends("zhao", name, parts[0])["have"], len(parts) - 1)  # a repeated one is no other
        self.assertEqual((self.kept(), self.steps("photo")), ([], []))
        issue = self.sends("zhao", name, parts[-1], name="../IMG 1.jpg", when="before", text="=cmd")
        digest = hashlib.sha256(PHOTO).hexdigest()
        self.assertEqual(issue["photos"], [{"sha256": digest, "bytes": len(PHOTO), "type": "jpg", "when": "before",
                                            "name": "IMG 1.jpg"}])
        with open(self.state("photos", digest + ".jpg"), "rb") as kept:
            self.assertEqual(kept.read(), PHOTO)
        step, = self.steps("photo")
        self.assertEqual((step["by"], step["subject"], step["photo"]["sha256"], step["text"]), ("inspector", name, digest, "=cmd"))
        command = json.loads(s.export_live("command")[-1]["body"])
        self.assertEqual((command["do"], command["user"]), ("issue.photo", "zhao"))
        # who was not told sends the last one again, under another id: it is no second photo
        again = self.sends("zhao", name, parts[-1])
        self.assertEqual((again["have"], len(self.steps("photo"))), (len(parts), 1))
        self.assertEqual(s.dustd.stop(), 0)
        code, out, err = s.run_dustd("--rebuild")
        self.assertEqual(code, 0, err)
        self.assertIn("1 issues, 1 of them open", out)
        os.unlink(self.state("photos", digest + ".jpg"))
        self.assertNotEqual(s.run_dustd("--rebuild")[0], 0, "a photo that is missing is noticed")

    def test_what_is_no_photo_or_not_his_to_add_is_refused_and_leaves_nothing(self):
        s = self.start(config=CONFIG)
        name = self.finding()
        part, *others = self.parts(PHOTO[:PART + 5])
        for user, issue, wrong, why in (
                ("zhao", "LQ-2026-0099", {}, "there is no issue"),
                ("zhao", "../../x", {}, "there is no issue"),
                ("zhao", name, {"photo": "../" * 21 + "x"}, "needs \"photo\""),
                ("zhao", name, {"photo": part["photo"].upper()}, "needs \"photo\""),
                ("zhao", name, {"part": 3}, "needs \"part\" and \"of\""),
                ("zhao", name, {"of": 124}, "the photo is too large; allowed: at most 1000000 bytes"),
                ("zhao", name, {"data": "=cmd"}, "must be base64 of exactly 8192 bytes"),
                ("zhao", name, {"data": part["data"][:-8]}, "must be base64 of exactly 8192 bytes"),
                ("zhao", name, {"when": "after"}, "a photo of after is possible from working, review"),
                ("zhao", name, {"when": "never"}, "before")):
            with self.subTest(wrong=wrong):
                self.assertIn(why, self.refused(user, "issue.photo", issue=issue, **{**part, **wrong}))
        self.assertFalse(os.path.exists(self.state("photo-parts")))
        self.assertEqual(self.sends("zhao", name, part)["have"], 1)
        forged = {**others[0], "data": base64.b64encode(b"other").decode()}
        self.assertIn("its SHA-256 is another", self.refused("zhao", "issue.photo", issue=name, **forged))
        self.assertEqual((self.kept(), os.listdir(self.state("photo-parts")), self.steps("photo")), ([], [], []))
        self.does("wang", "issue.dismiss", issue=name, text="看错了")
        self.assertIn("dismissed", self.refused("zhao", "issue.photo", issue=name, **part))
        self.assertEqual(os.listdir(self.state("photo-parts")), [])
        self.assertEqual(self.s.status()["lost"]["late_samples"], 0)

    def test_a_flood_of_parts_by_one_leaves_room_for_the_photo_of_another(self):
        s = self.start(config=CONFIG)
        name, parts = self.finding(), self.parts()
        before = s.status()["buses"][0]["answers"]
        for n in range(20):  # twenty photos, of each the first part
            begun = self.parts(PHOTO[:3] + n.to_bytes(2, "big") + PHOTO[5:])[0]
            self.publish("li.manager", json.dumps(self.command("issue.photo", issue=name, **begun)))
        for part in parts:
            shown = self.sends("zhao", name, part)
        self.assertEqual([photo["sha256"] for photo in shown["photos"]], [parts[0]["photo"]])
        self.assertLessEqual(len(os.listdir(self.state("photo-parts"))), 2 * 3)
        wait_for("polling to go on", lambda: s.status()["buses"][0]["answers"] > before)


if __name__ == "__main__":
    harness.main()
