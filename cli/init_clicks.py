"""What has to be clicked or told at the helpdesk's side, with the addresses and names of this configuration."""

from cli.init_answers import PUBLIC, Answers


def clicks(answers: Answers) -> str:
    """Return the steps for a person; they show no secret, only where it stands."""
    hook = f"{answers.public}/hooks/{answers.tenant}/{answers.helpdesk.name}"
    steps = (_zendesk if answers.helpdesk.name == "zendesk" else _standard)(hook, answers.prefix)
    text = [f"At the helpdesk ({answers.helpdesk.says}):"]
    text += [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    if answers.public == PUBLIC:
        text.append(f"  {PUBLIC} is the public https address of your gateway, which listens on 127.0.0.1 unless told.")
    return "\n".join(text)


def _zendesk(hook: str, prefix: str) -> list[str]:
    return [
        "Admin Center > People > Team members: add an agent for Whydesk that sees tickets and adds private comments.\n"
        "     Its e-mail is `email`, the number in its profile's address is `actor_id`, both in whydesk.yaml.",
        "Admin Center > Apps and integrations > APIs > Zendesk API: allow token access, add a token.\n"
        f"     Put it into .env as {prefix}ZENDESK_TOKEN.",
        "Admin Center > Apps and integrations > Webhooks > Create webhook > Zendesk events.\n"
        "     Events: Ticket created, Comment added to ticket, Tags changed.\n"
        f"     Endpoint URL: {hook}\n"
        "     Request method: POST. Request format: JSON. Authentication: none, since each delivery is signed.",
        f"Open the webhook, reveal its signing secret, put it into .env as {prefix}ZENDESK_WEBHOOK_SECRET.",
    ]


def _standard(hook: str, prefix: str) -> list[str]:
    return [
        f"Add a webhook endpoint: {hook}\n     Types: ticket.created, ticket.message, ticket.tags_changed.",
        f"Give it the signing secret that stands in .env as {prefix}STANDARD_WEBHOOK_SECRET (whsec_…).\n"
        "     The same secret checks the notes that Whydesk posts to `note_url`.",
        f"Make a bearer token that may read tickets, put it into .env as {prefix}STANDARD_TOKEN.",
        "Let it send an event of the type `test`: the gateway answers 200 and starts nothing.",
    ]
