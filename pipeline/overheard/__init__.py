"""Words that one channel only overheard: echo, a mix, a mono copy. They are stored once, under the side that said them.

`said` gives each word its place, `hearing` whether one channel's sound is a copy of another's, `shared` finds what two
channels share and whose it is, `wordless` finds echo for which no words were written, `pauses` where the other side
answers. `taken_out` cuts segments so that each side's turns stand where they were said.
"""
