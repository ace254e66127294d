import SansIO
import Testing

@testable import Capture

private struct Established: HostEvent {
  var journalName: String { "call-established" }
  func writeFields(to json: inout JSONWriter) {
    json.member("dialog", 7)
    json.member("codec", "PCMU")
    json.member("secure", true)
    json.member("remote", bobPort)
    json.member("host", "say \"hi\"")
  }
}

@Suite struct JournalFileTests {
  private func lines(_ body: (JournalFile) -> Void) -> [String] {
    let journal = JournalFile(ByteOutput())
    journal.hostAdded(alice, name: "alice")
    journal.hostAdded(bob, name: "b\"ob")
    body(journal)
    journal.finish(at: .zero)
    return journal.bytes.text.split(separator: "\n").dropFirst(2).map(String.init)
  }

  @Test func `hosts are introduced by name and number`() {
    let journal = JournalFile(ByteOutput())
    journal.hostAdded(alice, name: "alice")
    #expect(journal.bytes.text == "{\"hostAdded\":\"alice\",\"number\":0}\n")
  }

  private let addresses = #""from":"192.0.2.10:5060","to":"198.51.100.20:5062""#
  private let addressesSix = #""from":"[2001:db8::a]:5060","to":"[2001:db8::14]:5062""#

  @Test func `a packet is one line in a fixed order; only sent ones have a fate`() {
    let segment = TCPSegment(sequence: 4_000_000_000, acknowledgement: 0, flags: [.syn, .ack])
    #expect(
      lines { journal in
        journal.packet(record(1, at: 1_234_567_890, Bytes([UInt8](repeating: 0, count: 172)), Label(.rtp(payloadType: 0), sequence: 4711)))
        journal.packet(record(20, host: bob, as: .received, "x", Label(.response(status: 200, "INVITE"))))
        journal.packet(record(3, "x", Label(.request("BYE"), cause: .timerE, attempt: 1), .dropped(fault: 12)))
        journal.packet(record(4, over: .tcp(segment), from: aliceSix, to: bobSix, Bytes(), .none))
      } == [
        #"{"t":1234567890,"host":"alice","frame":1,"dir":"sent","proto":"udp",\#(addresses),"len":172"#
          + #","label":"RTP 0 seq 4711","fate":"delivered"}"#,
        #"{"t":0,"host":"b\"ob","frame":20,"dir":"received","proto":"udp",\#(addresses),"len":1,"label":"200 INVITE"}"#,
        #"{"t":0,"host":"alice","frame":3,"dir":"sent","proto":"udp",\#(addresses),"len":1"#
          + #","label":"BYE, Timer E, 1st retransmission","fate":"dropped","fault":12}"#,
        #"{"t":0,"host":"alice","frame":4,"dir":"sent","proto":"tcp",\#(addressesSix),"len":0"#
          + #","flags":"SYN,ACK","seq":4000000000,"ack":0,"label":"data","fate":"delivered"}"#,
      ])
  }

  @Test func `records that are no packets keep their facts, and a field cannot hide one of ours`() {
    let at = Instant(nanoseconds: 5)
    #expect(
      lines { journal in
        for body: JournalRecord.Body in [
          .event(Established()), .step("call: cucm\tto \u{1}"), .bound(alicePort, .datagram), .unbound(aliceSix, .listener),
          .bindFailed(bobPort, .addressInUse), .note("naïve"),
          .finding(text: "late", frames: [FrameCitation(alice, 3), FrameCitation(bob, 1)]),
        ] { journal.record(JournalRecord(at: at, host: alice, body)) }
        journal.record(JournalRecord(at: at, host: .stage, .step("hangUp")))
      } == [
        #"{"t":5,"host":"alice","event":"call-established","fields":{"dialog":7,"codec":"PCMU","secure":true"#
          + #","remote":"198.51.100.20:5062","host":"say \"hi\""}}"#,
        #"{"t":5,"host":"alice","step":"call: cucm\tto \u0001"}"#,
        #"{"t":5,"host":"alice","bound":"192.0.2.10:5060","kind":"datagram"}"#,
        #"{"t":5,"host":"alice","unbound":"[2001:db8::a]:5060","kind":"listener"}"#,
        #"{"t":5,"host":"alice","bindFailed":"198.51.100.20:5062","why":"address in use"}"#,
        #"{"t":5,"host":"alice","note":"naïve"}"#,
        #"{"t":5,"host":"alice","finding":"late","frames":["alice#3","b\"ob#1"]}"#,
        #"{"t":5,"host":"stage","step":"hangUp"}"#,
      ])
  }

  @Test func `secrets are never written`() {
    #expect(lines { $0.record(JournalRecord(at: .zero, host: alice, .secret(KeyLogLine("CLIENT_RANDOM 00 11")))) }.isEmpty)
  }

  @Test func `flows that share a slot of the address table do not mix`() {
    let journal = JournalFile(ByteOutput())
    let ports = (0..<5000).map { TransportAddress(IPAddress(v4: 0x0A00_0001), port: UInt16(10_000 + $0)) }
    for _ in 0..<2 {
      for port in ports { journal.packet(record(1, from: port, to: bobPort)) }
    }
    let lines = journal.bytes.text.split(separator: "\n").dropFirst()
    #expect(lines.count == 10_000)
    for (line, port) in zip(lines, ports + ports) { #expect(line.contains("\"from\":\"\(port)\",\"to\":\"\(bobPort)\"")) }
  }

  @Test func `the widest addresses fit their slot`() {
    let wide = TransportAddress(IPAddress(high: 0x1111_2222_3333_4444, low: 0x5555_6666_7777_8888), port: 65_535)
    let line = lines { $0.packet(record(1, from: wide, to: wide)) }[0]
    let text = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"
    #expect(line.contains("\"from\":\"\(text)\",\"to\":\"\(text)\",\"len\":"))
  }

  @Test func `a file that cannot be opened is remembered`() {
    let journal = JournalFile(path: "/proc/nowhere/journal.ndjson")
    journal.packet(record(1))
    journal.finish(at: .zero)
    #expect(journal.failure?.operation == .open)
  }
}
