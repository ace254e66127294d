import LabBench
import SansIO
import Testing

@testable import WireReader

/// What belongs together in a conversation of many messages.
@Suite struct TransactionTableTests {
  private let passage = Passage()

  private func read(_ packets: Packets) throws -> Conversation {
    let reader = PassiveReader(path: "test")
    for packet in try packets.captured { _ = reader.take(packet) }
    return try #require(reader.dialogs.conversations.first)
  }

  @Test(arguments: [3, 40])
  func `re-INVITEs over two hops have their own responses, and one ACK each for both (RFC 3261 §13.2.2.4, §17.1.3)`(count: Int) throws {
    var packets = Packets()
    for number in 1...count {
      let first: [Passage.Hop] = [(alice, "a\(number)")]
      let both: [Passage.Hop] = [(proxy, "p\(number)")] + first
      packets.step(alice, to: proxy, passage.request("INVITE", number, via: first, to: "b1"))
      packets.step(proxy, to: bob, passage.request("INVITE", number, via: both, to: "b1"))
      packets.step(bob, to: proxy, passage.response("200 OK", "INVITE", number, via: both, to: "b1"))
      packets.step(proxy, to: alice, passage.response("200 OK", "INVITE", number, via: first, to: "b1"))
      packets.step(alice, to: bob, passage.request("ACK", number, via: [(alice, "k\(number)")], to: "b1"))
    }
    let transactions = try read(packets).transactions
    #expect(transactions.count == 2 * count && transactions.allSatisfy { $0.copies == 1 && $0.responses.count == 1 })
    for (position, transaction) in transactions.enumerated() {
      let (round, isFirst) = (5 * (position / 2), position % 2 == 0)
      #expect(transaction.final?.first.frame == round + (isFirst ? 4 : 3) && transaction.acknowledgement?.frame == round + 5)
    }
  }

  @Test func `both sides of a NAT stay apart among many transactions`() throws {
    let inside = IPAddress(v4: 0xC0A8_0105)
    var packets = Packets()
    for number in 1...30 {
      let hop: [Passage.Hop] = [(alice, "n\(number)")]
      for source in [inside, alice] { packets.step(source, to: bob, passage.request("INFO", number, via: hop, to: "b1")) }
      for target in [alice, inside] { packets.step(bob, to: target, passage.response("200 OK", "INFO", number, via: hop, to: "b1")) }
    }
    let transactions = try read(packets).transactions
    #expect(transactions.count == 60 && transactions.allSatisfy { $0.copies == 1 && $0.responses.first?.copies == 1 })
    for (position, transaction) in transactions.enumerated() {
      let round = 4 * (position / 2)
      #expect(transaction.final?.first.frame == round + (position % 2 == 0 ? 4 : 3))
    }
  }

  @Test func `a Call-ID of thousands of requests keeps a bounded number, and the last of them are right`() throws {
    var packets = Packets()
    for number in 1...3_000 {
      let hop: [Passage.Hop] = [(alice, "n\(number)")]
      packets.step(alice, to: bob, passage.request("INFO", number, via: hop, to: "b1"))
      packets.step(bob, to: alice, passage.response("200 OK", "INFO", number, via: hop, to: "b1"))
    }
    let conversation = try read(packets)
    #expect(conversation.transactions.count <= 1_024 && conversation.messageCount == 6_000)
    #expect(conversation.transactions.suffix(500).allSatisfy { $0.final != nil && $0.copies == 1 })
  }

  @Test func `a conversation ends with its last branch, not with the first that is refused (RFC 3261 §16.7)`() throws {
    var packets = Packets()
    let first: [Passage.Hop] = [(alice, "a")]
    let branches: [[Passage.Hop]] = [[(proxy, "p1")] + first, [(proxy, "p2")] + first]
    packets.step(alice, to: proxy, passage.request("INVITE", 1, via: first))
    for (callee, via) in zip([bob, carol], branches) { packets.step(proxy, to: callee, passage.request("INVITE", 1, via: via)) }
    packets.step(bob, to: proxy, passage.response("486 Busy Here", "INVITE", 1, via: branches[0], to: "b1"))
    #expect(try read(packets).ended == nil, "the other one may ring")
    packets.step(carol, to: proxy, passage.response("480 Temporarily Unavailable", "INVITE", 1, via: branches[1], to: "c1"))
    #expect(try read(packets).ended == nil, "the caller does not know")
    packets.step(proxy, to: alice, passage.response("486 Busy Here", "INVITE", 1, via: first, to: "b1"))
    #expect(try read(packets).ended?.frame == 6)
  }

  @Test func `a refused re-INVITE does not end its dialog, also where its beginning was not seen (RFC 3261 §14.1)`() throws {
    var packets = Packets()
    let hop: [Passage.Hop] = [(alice, "r")]
    packets.step(alice, to: bob, passage.request("INVITE", 2, via: hop, to: "b1"))
    packets.step(bob, to: alice, passage.response("488 Not Acceptable Here", "INVITE", 2, via: hop, to: "b1"))
    #expect(try read(packets).ended == nil)
  }
}
