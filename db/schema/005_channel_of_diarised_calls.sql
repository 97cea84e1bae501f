-- What `channel` counts where one channel carried both sides.

COMMENT ON COLUMN chunks.channel IS
    'Channel of the recording, from 0; of a call with the flag `diarised`, whose sides share a channel, the speaker.';
