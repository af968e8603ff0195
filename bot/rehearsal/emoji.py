"""The emoji names that the page draws; any other name stays as it is written."""

_TABLE = """\
+1 👍 -1 👎 100 💯 alarm_clock ⏰ arrow_down ⬇️ arrow_forward ▶️ arrow_left ⬅️ arrow_right ➡️
arrow_up ⬆️ arrow_up_small 🔼 arrows_counterclockwise 🔄 ballot_box 🗳️ bar_chart 📊 bell 🔔
black_square_for_stop ⏹️ bookmark 🔖 books 📚 bulb 💡 busts_in_silhouette 👥 calendar 📅
calendar_spiral 🗓️ chart_with_upwards_trend 📈 clap 👏 clipboard 📋 clock1 🕐 clock3 🕒 computer
💻 date 📅 double_vertical_bar ⏸️ earth_africa 🌍 envelope ✉️ exclamation ❗ eyes 👀 fast_forward
⏩ fire 🔥 gear ⚙️ globe_with_meridians 🌐 hand ✋ handshake 🤝 hash #️⃣ heart ❤️
heavy_check_mark ✔️ heavy_plus_sign ➕ hourglass ⌛ hourglass_flowing_sand ⏳ inbox_tray 📥
information_source ℹ️ large_blue_circle 🔵 large_green_circle 🟢 large_yellow_circle 🟡
laughing 😆 link 🔗 lock 🔒 loudspeaker 📢 mag 🔍 mega 📣 memo 📝 microphone 🎤 movie_camera 🎥
no_entry ⛔ no_entry_sign 🚫 ok_hand 👌 one 1️⃣ outbox_tray 📤 page_facing_up 📄 pencil 📝 pencil2
✏️ point_right 👉 pray 🙏 pushpin 📌 question ❓ raised_hand ✋ raised_hands 🙌 red_circle 🔴
rotating_light 🚨 round_pushpin 📍 seedling 🌱 slightly_smiling_face 🙂 smile 😄 sparkles ✨
speaking_head_in_silhouette 🗣️ speech_balloon 💬 spiral_calendar_pad 🗓️ star ⭐ stopwatch ⏱️
studio_microphone 🎙️ tada 🎉 thinking_face 🤔 three 3️⃣ thumbsdown 👎 thumbsup 👍 timer_clock ⏲️
tv 📺 two 2️⃣ unlock 🔓 warning ⚠️ wastebasket 🗑️ watch ⌚ wave 👋 white_check_mark ✅
white_circle ⚪ wrench 🔧 x ❌ zap ⚡
"""

_WORDS = _TABLE.split()
EMOJI = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
SAME_EMOJI = {"thumbsup": "+1", "thumbsdown": "-1"}  # Slack keeps a reaction under the emoji's first name
