import Testing

@testable import SansIO

@Suite struct BytesTests {
  @Test func `a slice counts from 0 and shares nothing it could lose`() {
    let bytes: Bytes = "0123456789"
    let slice = bytes[3..<7]
    #expect(slice.text == "3456")
    #expect(slice[0] == UInt8(ascii: "3"))
    #expect(slice[1..<3] == Bytes("45"))
    #expect(slice.compacted().array == Array("3456".utf8))
    #expect(Set([slice, Bytes("3456")]).count == 1)
  }
}

@Suite struct EntropyTests {
  @Test func `one seed gives one sequence, forks by name do not disturb each other`() {
    var first = Entropy(seed: 5)
    var second = Entropy(seed: 5)
    #expect(first.bytes(33) == second.bytes(33))
    let before = Entropy(seed: 5).fork("alice/branch")
    var drawn = Entropy(seed: 5)
    _ = drawn.next()
    var (left, right) = (before, drawn.fork("alice/branch"))
    #expect(left.hex(16) == right.hex(16))
    var other = Entropy(seed: 5).fork("bob/branch")
    #expect(
      other.hex(16)
        != {
          var again = before; return again.hex(16)
        }())
  }

  @Test func `the system's randomness does not repeat`() {
    var (first, second) = (Entropy.system, Entropy.system)
    #expect(first.hex(32) != second.hex(32))
    #expect(!first.isSeeded)
  }

  @Test func `numbers of a driver's source are handed out as they come, also behind a fork`() {
    final class Counting: RandomSource {
      nonisolated(unsafe) var last: UInt64 = 0
      func next() -> UInt64 {
        last += 1
        return last
      }
    }
    var first = Entropy.source(Counting())
    var second = first.fork("any")
    #expect([first.next(), second.next(), first.next()] == [1, 2, 3] && !first.isSeeded)
  }

  @Test func `a ratio hits as often as it says, never and always without a draw`() {
    var generator = SeededGenerator(seed: 1)
    let hits = (0..<10_000).count { _ in Ratio.percent(3).hits(&generator) }
    #expect((240...360).contains(hits))
    let before = generator
    #expect(!Ratio.never.hits(&generator) && Ratio.always.hits(&generator))
    #expect(generator == before)
  }
}

@Suite struct AddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"),
    ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("::", "::"), ("::1", "::1"), ("[fe80::1]", "fe80::1"), ("::ffff:192.0.2.1", "::ffff:c000:201"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
  ])
  func `addresses are read after RFC 4291 §2.2 and printed after RFC 5952`(text: String, printed: String) {
    #expect(IPAddress(text)?.description == printed)
  }

  @Test(arguments: ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "01.2.3.4x", "1::2::3", ":", "12345::", "host", "1.2.3.4:5"])
  func `what is no address is nil`(text: String) { #expect(IPAddress(text) == nil) }

  @Test func `an IPv4-mapped address is the IPv4 one (RFC 4291 §2.5.5.2)`() {
    #expect(IPAddress("::ffff:192.0.2.1")?.unmapped == IPAddress("192.0.2.1"))
  }

  @Test func `a transport address needs its port, IPv6 its brackets`() {
    #expect(TransportAddress("192.0.2.1:5060")?.port == 5060)
    #expect(TransportAddress("[2001:db8::1]:5061")?.description == "[2001:db8::1]:5061")
    #expect(TransportAddress("2001:db8::1:5061") == nil)
    #expect(TransportAddress("192.0.2.1") == nil)
  }
}

@Suite struct LabelTests {
  @Test func `a label says what the packet is and why it leaves again`() {
    #expect(Label(.request("INVITE"), cause: .timerA, attempt: 2).description == "INVITE, Timer A, 2nd retransmission")
    #expect(
      Label(.response(status: 200, "INVITE"), cause: .awaitingACK, attempt: 11).description == "200 INVITE, no ACK yet, 11th retransmission"
    )
    #expect(Label(.rtp(payloadType: 0), sequence: 4711).description == "RTP 0 seq 4711")
  }

  @Test(arguments: [
    ("INVITE", true), ("SUBSCRIBE", true), ("?", true), ("!-._", true), ("0123456789", true), ("", false), ("ELEVENCHARS", false),
    ("invite", false), ("A B", false), ("\u{C4}", false),
  ])
  func `a label keeps a word of up to ten capital letters, digits and signs`(text: String, fits: Bool) {
    #expect(Label.Word(text)?.description == (fits ? text : nil))
  }

  @Test func `words are the same when their letters are, in their order`() {
    #expect(Label.Word("BYE") == "BYE" && Label.Word("BYE") != "BY" && Label.Word("AB") != "BA")
  }

  @Test func `a secret does not show in a description`() {
    #expect(!"\(KeyLogLine("CLIENT_RANDOM aa bb"))".contains("bb"))
  }
}
