import SansIO
import Testing

@testable import Impairments

@Suite struct TextTests {
  @Test(arguments: [
    "lost", "lost, burst", "lost, queue-full", "21.5 ms", "0 ms", "21.5 ms, again 30 ms", "80 ms, held back", "10.000001 ms, bit 77",
    "1 ms, again 2 ms, held back, bit 4294967295",
  ])
  func `what becomes of a packet is read as it is written`(text: String) throws {
    #expect(try Passage.parse(text).description == text)
  }

  @Test func `times have units, and are exact to the nanosecond`() throws {
    #expect(try Passage.parse("1.000000001 s").first == 1_000_000_001)
    #expect(try Passage.parse("250 us").first == 250_000)
    #expect(try Passage.parse("7ns").first == 7)
    #expect(try Passage.parse("0").first == 0)
  }

  @Test func `a pattern is a line a packet, and begins again`() throws {
    let list = try PacketList.parse("# a train\n20 ms\nlost # in a tunnel\n\nlink x 3\n  80 ms, again 95 ms x 2\n")
    #expect(list.cycle == 7)
    #expect(
      (1...9).map { list.passage(of: $0)?.description } == [
        "20 ms", "lost", nil, nil, nil, "80 ms, again 95 ms", "80 ms, again 95 ms", "20 ms", "lost",
      ])
    #expect(try PacketList.parse("lost x 2\nonce\r\n").passage(of: 3) == nil)
  }

  @Test(arguments: [
    ("20 ms\n  fast\n", "2:3: 'fast' is not 'lost' or a time such as '21.5 ms', or 'link'"),
    ("20\n", "1:1: '20' is not 'lost' or a time such as '21.5 ms', or 'link'"),
    ("lost, tired", "1:7: 'tired' is not one of random, burst, queue-full, outage, corrupted, listed"),
    ("5 ms,  twice", "1:8: 'twice' is not 'again' with a time, 'held back' or 'bit' with a number"),
    ("lost x 0", "1:6: 'x' is followed by how many packets, from 1 to 1000000"),
    ("lost x 600000\nlost x 600000", "2:1: a pattern has at most 1,000,000 packets"),
    ("once\nlost", "2:1: 'once' is the last line of a pattern"),
    ("# nothing", "1:1: the pattern has no packet"),
    ("-5 ms", "1:1: '-5 ms' is not 'lost' or a time such as '21.5 ms', or 'link'"),
    ("99999999999 s", "1:1: '99999999999 s' is not 'lost' or a time such as '21.5 ms', or 'link'"),
  ])
  func `a mistake in a pattern has its line, its column and its reason`(text: String, mistake: String) {
    #expect(throws: PacketList.Mistake.self) { try PacketList.parse(text) }
    do { _ = try PacketList.parse(text) } catch { #expect(error.description == mistake) }
  }

  @Test func `a fate plan is read as it is written`() throws {
    let text = "pbx > kallglot\n  4: lost, burst\n  9: 21.5 ms, again 30 ms\nkallglot > pbx\n  2: 80 ms, held back\n"
    let plan = try FatePlan.parse("# seed 3\n" + text)
    #expect(plan.text == text)
    #expect(plan.count == 3)
    #expect(plan[FatePlan.Direction(from: "pbx", to: "kallglot")][4] == .lost(.burst))
  }

  @Test(arguments: [
    ("  4: lost", "1:3: before the first packet there is a direction such as 'pbx > kallglot'"),
    ("a > b\nx: lost", "2:1: expected the number of a packet, from 1"),
    ("a > b\n 1: lost\n 1: lost", "3:2: packet 1 appears more than once"),
    ("a > b\n 1: gone", "2:5: 'gone' is not 'lost' or a time such as '21.5 ms'"),
    ("a b", "1:1: expected a direction such as 'pbx > kallglot', or a packet such as '4: lost'"),
  ])
  func `a mistake in a fate plan has its line, its column and its reason`(text: String, mistake: String) {
    do {
      _ = try FatePlan.parse(text)
      Issue.record("it was read")
    } catch { #expect(error.description == mistake) }
  }
}
