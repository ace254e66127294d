import SIPUserAgent
import SansIO

/// One leg, and the place of its media.
struct LegSlot: Sendable {
  var leg: Leg
  let media: SlabPlace
}

/// What has happened and is not carried out yet, in one list: what a reaction causes comes after what had already happened.
struct WorkList {
  enum Item {
    case agent(UserAgentEvent)
    case leg(LegID, LegInput)
    case report(CallAgentEvent)
  }

  private var items: [Item] = []
  private var head = 0

  mutating func append(_ item: Item) { items.append(item) }

  mutating func append(_ events: [UserAgentEvent]) { for event in events { items.append(.agent(event)) } }

  mutating func next() -> Item? {
    guard head < items.count else {
      items.removeAll(keepingCapacity: true)
      head = 0
      return nil
    }
    defer { head += 1 }
    return items[head]
  }
}
