import SIPUserAgent
import SansIO

/// One leg, and the place of its media.
struct LegSlot: Sendable {
  var leg: Leg
  let media: SlabPlace
}

/// What a request outside dialogs is for.
enum RequestPurpose {
  /// It keeps the binding with this number.
  case registration(Int)
  /// OPTIONS that asks whether the peer is there.
  case ping
}

/// What has happened and is not carried out yet, in one list: what a reaction causes comes after what had already happened.
struct WorkList {
  enum Item {
    case agent(UserAgentEvent)
    case leg(LegID, LegInput)
    case report(CallAgentEvent)
  }

  private var items = Backlog<Item>()

  mutating func append(_ item: Item) { items.append(item) }

  mutating func next() -> Item? { items.next() }
}
