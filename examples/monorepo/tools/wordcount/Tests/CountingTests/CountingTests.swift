import Counting
import Testing

@Test("words are what is between white space")
func words() {
    var count = WordCount()
    for line in ["a martlet  is", "", "\tthe swift of heraldry "] { count.add(line: line) }
    #expect(count.words == 7)
    #expect(count.lines == 3)
}
