"""What a case can be: the closed lists that events, policies and their checks share."""

from typing import Literal

Kind = Literal["complaint", "request", "question", "praise", "product_feedback", "order", "lead", "privacy_request"]
Channel = Literal["web", "email", "phone", "chat", "social", "sms", "api"]
Language = Literal["tr", "en", "other"]
Category = Literal["new", "open", "waiting_customer", "waiting_third_party", "resolved", "closed", "merged", "spam"]
Outcome = Literal["solved", "in_part", "not_solved", "rejected", "withdrawn", "customer_lost"]
Sentiment = Literal["negative", "neutral", "positive"]
Priority = Literal["low", "normal", "high", "urgent"]
