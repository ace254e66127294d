import SansIO

/// Where an offer/answer exchange is (RFC 3264 §4, §8; RFC 3261 §14.1).
///
/// ```
///          offer              agreement             offer
///   idle ────────► offered ──────────────► agreed ────────► offeredAnew
///    │ ▲              │                    ▲ ▲ │ ▲               │
///    │ └── refusal ───┘                    │ └─┘ └───────────────┘
///    │                                     │ agreement: they     refusal: the old agreement holds
///    └─ agreement: they offered ───────────┘ offered, we         agreement: the new one holds
///       and we answered                      answered
/// ```
/// An offer takes the place of one that is open; a refusal without an open offer changes nothing.
enum OfferAnswerState: Sendable {
  /// Nothing was agreed, and no offer is open.
  case idle
  /// Our first offer is open.
  case offered(OpenOffer)
  case agreed(Agreement)
  /// Our offer is open while an agreement holds.
  case offeredAnew(OpenOffer, over: Agreement)

  /// An offer of ours that is not answered yet.
  struct OpenOffer: Sendable {
    var description: SessionDescription
    /// The stream as it is offered.
    var wanted: Choice
    /// The m= line beside it that an answer may take instead.
    var alternative: Choice?
    /// Where we take its media.
    var local: TransportAddress
    /// What it offers in effect: a hold by 0.0.0.0 takes nothing (RFC 3264 §8.4).
    var direction: MediaDirection

    /// An m= line of the offer that may become the stream.
    struct Choice: Sendable {
      var index: Int
      var stream: AudioStream
    }
  }

  /// What holds, and what the next description has to keep of it (RFC 3264 §8).
  struct Agreement: Sendable {
    var audio: AudioAgreement
    /// Our description: a new one keeps the number and order of its m= lines.
    var ours: SessionDescription
    /// Which of them is the audio.
    var audioIndex: Int
    /// How both sides name its transport.
    var profile: MediaProfile
    /// The peer's description.
    var theirs: SessionDescription
    /// The payload numbers by which each codec has gone here: they stay for the whole session (RFC 3264 §8.3.2).
    var numbers: [AudioPayload]
    /// Ours of telephone-event.
    var eventNumbers: [AudioPayload] { audio.receivable.payloads.filter { $0.format.isEvent } }
  }

  enum Input: Sendable {
    /// We make an offer.
    case offer(OpenOffer)
    /// Our offer was refused.
    case refusal
    /// Our offer was answered, or theirs by us.
    case agreement(Agreement)
  }

  mutating func handle(_ input: Input) {
    let next: OfferAnswerState
    switch (self, input) {
    case (.idle, .offer(let offer)), (.offered, .offer(let offer)): next = .offered(offer)
    case (.agreed(let agreement), .offer(let offer)), (.offeredAnew(_, let agreement), .offer(let offer)):
      next = .offeredAnew(offer, over: agreement)
    case (.idle, .refusal), (.offered, .refusal): next = .idle
    case (.agreed(let agreement), .refusal), (.offeredAnew(_, let agreement), .refusal): next = .agreed(agreement)
    case (.idle, .agreement(let agreement)), (.offered, .agreement(let agreement)), (.agreed, .agreement(let agreement)),
      (.offeredAnew, .agreement(let agreement)):
      next = .agreed(agreement)
    }
    self = next
  }

  var openOffer: OpenOffer? {
    switch self {
    case .offered(let offer), .offeredAnew(let offer, _): offer
    case .idle, .agreed: nil
    }
  }

  var agreement: Agreement? {
    switch self {
    case .agreed(let agreement), .offeredAnew(_, let agreement): agreement
    case .idle, .offered: nil
    }
  }
}
