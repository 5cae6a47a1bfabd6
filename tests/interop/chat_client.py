"""Three members of a chat hear each other, but not themselves. Argument: ADDRESS:PORT."""
import asyncio
import sys


class Member:
    @classmethod
    async def enter(cls, name, shown=None):
        host, port = sys.argv[1].rsplit(":", 1)
        self = cls()
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        assert await self.reader.readexactly(11) == b"your name? "
        self.say(name)
        await self.hears(f"welcome, {shown or name}")
        return self

    def say(self, text):
        self.writer.write(text.encode() + b"\r\n")

    async def hears(self, text):
        heard = (await self.reader.readline()).decode()
        assert heard == text + "\n", f"heard {heard!r}, not {text!r}"


async def talk():
    ann = await Member.enter("ann")
    bob = await Member.enter("bob")
    await ann.hears("* bob comes in")
    eve = await Member.enter("e\x1b[31mve", "e[31mve")
    for member in (ann, bob):
        await member.hears("* e[31mve comes in")
    ann.say("hello, all")
    for member in (bob, eve):
        await member.hears("ann: hello, all")
    for number in range(100):
        bob.say(f"line {number}")
    for number in range(100):
        await ann.hears(f"bob: line {number}")
        await eve.hears(f"bob: line {number}")
    # Too long a line: the one who says it has to go, the others stay.
    eve.say("x" * 5000)
    for member in (ann, bob):
        await member.hears("* e[31mve leaves")
    bob.writer.close()
    await ann.hears("* bob leaves")


asyncio.run(asyncio.wait_for(talk(), 15))
print("said goodbye")
